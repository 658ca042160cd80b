/** What a node runs, and in which version: decided once, off the VRRP thread. */
package dev.virtualip.agent.plan;
