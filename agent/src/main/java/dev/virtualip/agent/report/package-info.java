/** The agent's own log, and its HTTP pages for probes and metrics. */
package dev.virtualip.agent.report;
