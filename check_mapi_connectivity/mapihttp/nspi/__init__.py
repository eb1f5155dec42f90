"""The address book over MAPI over HTTP (MS-OXNSPI in MS-OXCMAPIHTTP 2.2.5): bytes in, values out."""
