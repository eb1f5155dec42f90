"""The address book over MAPI over HTTP (MS-OXCMAPIHTTP 2.2.5): bytes in, values out."""
