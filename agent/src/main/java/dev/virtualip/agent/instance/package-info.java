/** All VirtualIPs of a node as one deterministic machine, and what it does to the node. */
package dev.virtualip.agent.instance;
