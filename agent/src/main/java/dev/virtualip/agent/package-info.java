/** The agent that runs on each node: its commands, and the end of the process. */
package dev.virtualip.agent;
