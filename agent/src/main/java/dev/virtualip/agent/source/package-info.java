/** The configuration that a node should run, and its reading from files. */
package dev.virtualip.agent.source;
