#!/bin/bash
# Starts nginx again; ends keepalived if that does not help.
if [ $(ps -C nginx --no-header | wc -l) -eq 0 ]; then
    systemctl restart nginx
    sleep 2
    if [ $(ps -C nginx --no-header | wc -l) -eq 0 ]; then
        systemctl stop keepalived
    fi
fi
