/**
 * Health checks of the services behind the addresses (keepalived: {@code vrrp_script}, {@code
 * track_process}).
 */
package dev.virtualip.agent.check;
