/** The agent's own log, its HTTP pages for probes and metrics, and what systemd is told. */
package dev.virtualip.agent.report;
