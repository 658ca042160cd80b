#!/bin/sh
# Fails while the test wants it to, on this host.
read -r mac </sys/class/net/eth0/address
[ ! -e "/etc/keepalived/broken/$mac" ]
