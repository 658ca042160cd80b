/** Commands that run no virtual router. */
package dev.virtualip.agent.cli;
