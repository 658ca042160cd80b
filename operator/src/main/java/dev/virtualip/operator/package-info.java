/**
 * The operator: conditions of VirtualIPs, and the agent DaemonSet on the nodes they select. No
 * failover ever waits for it.
 */
package dev.virtualip.operator;
