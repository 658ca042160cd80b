/** What the agent counts. */
package dev.virtualip.agent.metrics;
