# Sourced by findings about Icinga DB Web, after common.bash.

# icingaweb: its own code for what a check has printed, with a PHP to run it.
icingaweb() {
    debian icingadb-web=1.0.2-1 icinga-php-library=0.10.1-1 \
        php8.2-cli libargon2-1 libpcre2-8-0 libsodium23 libssl3 libxml2 libicu72 liblzma5 zlib1g
    cat >page.php <<'PHP'
<?php
require "usr/share/icinga-php/ipl/vendor/autoload.php";
require "usr/share/icingaweb2/modules/icingadb/library/Icingadb/Util/PluginOutput.php";
echo new Icinga\Module\Icingadb\Util\PluginOutput(file_get_contents("php://stdin"));
PHP
}

# page: the HTML that a page shows for an output on standard input.
page() { LD_LIBRARY_PATH=usr/lib/$(uname -m)-linux-gnu usr/bin/php8.2 -n page.php; }
