/** Small files that outlive a restart of the agent. */
package dev.virtualip.agent.disk;
