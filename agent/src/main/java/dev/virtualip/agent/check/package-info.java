/** Health checks of what the addresses are for (keepalived: vrrp_script). */
package dev.virtualip.agent.check;
