/**
 * The operator: it maintains the conditions of VirtualIPs, and the agents' DaemonSet on the
 * selected nodes. No failover ever waits for it.
 */
package dev.virtualip.operator;
