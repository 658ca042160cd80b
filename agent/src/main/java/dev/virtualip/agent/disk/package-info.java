/** Small files that survive a restart of the agent. */
package dev.virtualip.agent.disk;
