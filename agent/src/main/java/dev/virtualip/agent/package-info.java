/** The node agent. */
package dev.virtualip.agent;
