/** What agent and operator both need as processes: log lines and process metrics. */
package dev.virtualip.process;
