#!/bin/sh
# Writes what it is told into a file of this host.
read -r mac </sys/class/net/eth0/address
echo "$*" >>"/etc/keepalived/told/$mac"
