/** The agent's connection to the API server: configuration in, status out. No failover needs it. */
package dev.virtualip.agent.kube;
