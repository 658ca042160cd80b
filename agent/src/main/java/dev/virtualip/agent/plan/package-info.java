/**
 * Decides which VirtualIPs a node runs, and in which version: in one place, off the VRRP thread.
 */
package dev.virtualip.agent.plan;
