/** What the agent tells of itself: logs, and pages for probes and scrapers. */
package dev.virtualip.agent.report;
