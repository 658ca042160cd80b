/** Runs of the agent that are no runs: for the JVM to load and prepare what it will need. */
package dev.virtualip.agent.train;
