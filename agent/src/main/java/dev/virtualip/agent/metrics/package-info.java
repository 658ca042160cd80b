/** The agent's metrics. */
package dev.virtualip.agent.metrics;
