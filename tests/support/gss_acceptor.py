"""A GSS-API acceptor for tests: tokens go in, tokens and user names come out, one line each.

`acceptors.py` runs it under Debian's own interpreter, because python3-gssapi lives there; all the
work is done by C code: MIT Kerberos, its SPNEGO, or the gss-ntlmssp mechanism. The one argument
names the mechanism: `kerberos` (bare or inside SPNEGO), `ntlm`, or `negotiate-ntlm`.

    open ID BINDING   ->  ok
    step ID TOKEN     ->  more TOKEN  |  done TOKEN USER  |  no REASON
    close ID          ->  ok

Tokens are base64, "-" stands for none. BINDING is the application data of the channel bindings,
and it is *required*: MIT Kerberos and gss-ntlmssp refuse a wrong one themselves, but let a client
through that sent none; they then leave GSS_C_CHANNEL_BOUND_FLAG unset, which is refused here. With
"-" for BINDING nothing is asked of the client.
"""

import base64
import contextlib
import sys

with contextlib.suppress(ImportError):  # pytest's other interpreters look for doctests here
    import gssapi
    from gssapi.raw import ChannelBindings

SPNEGO = "1.3.6.1.5.5.2"
KERBEROS = "1.2.840.113554.1.2.2"
NTLM = "1.3.6.1.4.1.311.2.2.10"
MECHANISMS = {"kerberos": (SPNEGO, KERBEROS), "ntlm": (NTLM,), "negotiate-ntlm": (SPNEGO,)}


def main(mechanism):
    """Answers line by line until the input ends."""
    mechs = [gssapi.OID.from_int_seq(oid) for oid in MECHANISMS[mechanism]]
    credentials = gssapi.Credentials(usage="accept", mechs=mechs)
    contexts = {}
    for line in sys.stdin:
        verb, number, *rest = line.split()
        if verb == "open":
            contexts[number] = Context(credentials, decoded(rest[0]))
            answer = "ok"
        elif verb == "step":
            answer = contexts[number].step(decoded(rest[0]))
        else:
            contexts.pop(number, None)
            answer = "ok"
        print(answer, flush=True)


class Context:
    """One conversation with one client."""

    def __init__(self, credentials, binding):
        self.binding = binding
        bindings = ChannelBindings(application_data=binding) if binding else None
        self.context = gssapi.SecurityContext(
            creds=credentials, usage="accept", channel_bindings=bindings
        )

    def step(self, token):
        """The answer to one token of the client's."""
        try:
            reply = encoded(self.context.step(token))
            if not self.context.complete:
                return f"more {reply}"
            user = str(self.context.initiator_name).rstrip("\0")
            flags = self.context.actual_flags
        except Exception as error:  # GSSError; after a failed step also others
            return "no " + " ".join(f"{type(error).__name__}: {error}".split())
        if self.binding and gssapi.RequirementFlag.channel_bound not in flags:
            return "no the client sent no channel bindings"
        return f"done {reply} {user}"


def decoded(word):
    """The bytes of a word of the protocol."""
    return b"" if word == "-" else base64.b64decode(word)


def encoded(token):
    """The word of the protocol for some bytes."""
    return base64.b64encode(token).decode() if token else "-"


if __name__ == "__main__":
    main(sys.argv[1])
