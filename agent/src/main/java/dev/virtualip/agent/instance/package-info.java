/** All VirtualIPs of a node as one deterministic machine, and its effects on the node. */
package dev.virtualip.agent.instance;
