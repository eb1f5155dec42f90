# fish completion of check_mapi_connectivity; made by make docs

complete -c check_mapi_connectivity -f

function __check_mapi_connectivity_pair
    set -l current (string replace -r -- '^--[a-z-]+=' '' (commandline -ct))
    if string match -q -- '*=*' $current
        set -l name (string split -m 1 -- = $current)[1]
        printf '%s\n' $name=(string split -n -- ' ' $argv[2])
    else
        printf '%s=\n' (string split -n -- ' ' $argv[1])
    end
end

complete -c check_mapi_connectivity -s m -l mailbox -x -d 'Mailbox to log on to: its e-mail address, or its GUID (by method cmdlet that of the mailbox, by graph that of the user)'
complete -c check_mapi_connectivity -l mailbox-file -r -F -d 'File with mailboxes, one per line; what follows a # is a comment'
complete -c check_mapi_connectivity -l method -x -a 'cmdlet mapi graph' -d 'How to test a mailbox'
complete -c check_mapi_connectivity -l sign-in-only -d 'Test no mailbox, only the sign-in: get a token, also from the cache, and the tenant\'s openid-configuration, anew in each run'
complete -c check_mapi_connectivity -l archive -d 'Test the archive, not the primary mailbox (method cmdlet)'
complete -c check_mapi_connectivity -l inbox-items -x -d 'How many messages of the Inbox to list, newest first, 1 to 1000 (methods mapi and graph)'
complete -c check_mapi_connectivity -l concurrency -x -d 'How many mailboxes, or methods of one, are tested at the same time, 1 to 64'
complete -c check_mapi_connectivity -s H -l hostname -x -a '(__fish_print_hostnames)' -d 'Exchange Server (method mapi) to ask for the mailbox\'s address (Autodiscover); beside --autodiscover-url: another host that the password may go to'
complete -c check_mapi_connectivity -l autodiscover-url -x -d 'Autodiscover URL (method mapi), where it is not the usual one of the Exchange Server'
complete -c check_mapi_connectivity -l mapi-url -x -d 'MAPI over HTTP address of the mailbox, with its MailboxId: Autodiscover is not asked, and --mailbox is only a name'
complete -c check_mapi_connectivity -l legacy-dn -x -d 'LegacyExchangeDN of the mailbox, for --mapi-url'
complete -c check_mapi_connectivity -l auth -x -a 'basic ntlm negotiate' -d 'HTTP authentication at the Exchange Server (method mapi): basic, ntlm or negotiate'
complete -c check_mapi_connectivity -l tenant -x -d 'Entra tenant, by a domain of it or its GUID'
complete -c check_mapi_connectivity -l cloud -x -a 'worldwide gcc gcc-high dod china' -d 'Microsoft cloud of the tenant'
complete -c check_mapi_connectivity -l authority-url -x -d 'URL of the Entra sign-in, instead of that of --cloud, for new clouds and tests'
complete -c check_mapi_connectivity -l exchange-url -x -d 'URL of Exchange Online, instead of that of --cloud, for new clouds and tests'
complete -c check_mapi_connectivity -l graph-url -x -d 'URL of Microsoft Graph, instead of that of --cloud, for new clouds and tests'
complete -c check_mapi_connectivity -l client-id -x -d 'Application (client) id of the app registration that may run the test'
complete -c check_mapi_connectivity -l certificate -r -F -d 'Certificate of the app registration: PEM (with or without its key) or PFX'
complete -c check_mapi_connectivity -l certificate-key -r -F -d 'PEM file with the private key of --certificate, where that is in a file of its own'
complete -c check_mapi_connectivity -l certificate-passphrase-file -r -F -d 'File with the passphrase of the certificate\'s private key or PFX; its first line counts'
complete -c check_mapi_connectivity -l client-secret-file -r -F -d 'File with the client secret of the app registration; its first line counts'
complete -c check_mapi_connectivity -s l -l username -x -d 'User who logs on by method mapi: the mailbox\'s own, or one with FullAccess'
complete -c check_mapi_connectivity -l password-file -r -F -d 'File with the password of --username; its first line counts'
complete -c check_mapi_connectivity -l managed-identity -d 'Sign in as a managed identity of the Azure VM that the check runs on: its own, or the user-assigned one of this client id'
complete -c check_mapi_connectivity -l imds-url -x -d 'Instance metadata service that gives a managed identity\'s token'
complete -c check_mapi_connectivity -l federated-token-file -r -F -d 'File with a token of another issuer that Entra trusts for --client-id (workload identity federation), e.g. of Kubernetes'
complete -c check_mapi_connectivity -l ask-password -d 'Ask for the secret on the terminal, twice: the password of --username, the passphrase of --certificate, else the secret of --client-id'
complete -c check_mapi_connectivity -l proxy -x -d 'HTTP proxy for sign-in, Exchange and Graph'
complete -c check_mapi_connectivity -l proxy-host -x -a '(__fish_print_hostnames)' -d 'HTTP proxy\'s host, instead of --proxy; needs --proxy-port'
complete -c check_mapi_connectivity -l proxy-port -x -d 'Port of the HTTP proxy, needed by --proxy-host'
complete -c check_mapi_connectivity -l proxy-user -x -d 'User at the proxy: NAME, DOMAIN\\NAME or NAME@REALM'
complete -c check_mapi_connectivity -l proxy-domain -x -d 'Windows domain of --proxy-user'
complete -c check_mapi_connectivity -l proxy-password-file -r -F -d 'File with the password of --proxy-user; its first line counts'
complete -c check_mapi_connectivity -l proxy-auth -x -a 'basic ntlm negotiate' -d 'How to authenticate at the proxy: basic, ntlm or negotiate'
complete -c check_mapi_connectivity -l proxy-spn-host -x -a '(__fish_print_hostnames)' -d 'Host in the proxy\'s Kerberos service name (HTTP/HOST), where it is not that of --proxy, e.g. behind a load balancer'
complete -c check_mapi_connectivity -l no-proxy -d 'Use no proxy, also where the environment names one'
complete -c check_mapi_connectivity -l ca-file -r -F -d 'PEM file of certificate authorities to trust besides the system\'s own, e.g. of a TLS-inspecting proxy'
complete -c check_mapi_connectivity -l min-tls -x -a '1.2 1.3' -d 'Lowest TLS version to accept: 1.2 or 1.3'
complete -c check_mapi_connectivity -s 4 -l ipv4 -d 'Connect by IPv4 only'
complete -c check_mapi_connectivity -s 6 -l ipv6 -d 'Connect by IPv6 only'
complete -c check_mapi_connectivity -s w -l warning -x -d 'WARNING when the connection time in seconds is outside this range'
complete -c check_mapi_connectivity -s c -l critical -x -d 'CRITICAL when the connection time in seconds is outside this range'
complete -c check_mapi_connectivity -l warning-for -x -a '(__check_mapi_connectivity_pair "mapi_connectivity connection_time time_token time_dns time_tcp time_proxy time_tls time_request time_server total_time certificate_days time_autodiscover time_connect time_execute time_disconnect inbox_items sign_in" "")' -d 'WARNING when a performance value, named by its label, is outside its range'
complete -c check_mapi_connectivity -l critical-for -x -a '(__check_mapi_connectivity_pair "mapi_connectivity connection_time time_token time_dns time_tcp time_proxy time_tls time_request time_server total_time certificate_days time_autodiscover time_connect time_execute time_disconnect inbox_items sign_in" "")' -d 'CRITICAL when a performance value, named by its label, is outside its range'
complete -c check_mapi_connectivity -l state -x -a '(__check_mapi_connectivity_pair "credential permission throttled untested dns connect proxy tls logon mailbox moving server protocol timeout" "OK WARNING CRITICAL UNKNOWN")' -d 'Monitoring state for one kind of failure'
complete -c check_mapi_connectivity -s t -l timeout -x -d 'Time limit of the whole run in seconds, fractions allowed, and the state when it is used up'
complete -c check_mapi_connectivity -l diagnosis -x -a 'on off' -d 'Print a diagnosis below the status line'
complete -c check_mapi_connectivity -l diagnosis-frequency -x -d 'Print the diagnosis every NORMAL-th run while all is well, every ABNORMAL-th while something is wrong, and whenever the state changes; none: never'
complete -c check_mapi_connectivity -s v -l verbose -d 'Print more details: -v notes on cache, proxy and retries, -vv requests and headers, -vvv bodies too'
complete -c check_mapi_connectivity -l json -d 'Print the report as one JSON document instead of text'
complete -c check_mapi_connectivity -l explain -d 'Test nothing; say what this command line would do: hosts and ports, proxy, credential, permissions and the commands that grant them, files, limits'
complete -c check_mapi_connectivity -l cache-dir -x -a '(__fish_complete_directories)' -d 'Directory for cached tokens and what method mapi learned about mailboxes, created with mode 0700'
complete -c check_mapi_connectivity -l no-cache -d 'Neither read nor write the cache of --cache-dir'
complete -c check_mapi_connectivity -l record -r -F -d 'Write all that went over the wire to a new file, for a bug report; secrets, tokens, cookies and subjects are replaced before'
complete -c check_mapi_connectivity -l redact-addresses -d 'Replace addresses and names in --record, too'
complete -c check_mapi_connectivity -l replay -r -F -d 'Run a file of --record again, without network: the result is the same'
complete -c check_mapi_connectivity -l extra-opts -x -d 'Read options from an ini section; the command line wins'
complete -c check_mapi_connectivity -s V -l version -d 'Print the version and exit (with 3, as all plugins do)'
complete -c check_mapi_connectivity -s h -l help -d 'Print this help and exit (with 3, as all plugins do)'
