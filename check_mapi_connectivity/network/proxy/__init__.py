"""CONNECT through an HTTP proxy: the conversation, its logons and its refusals."""
