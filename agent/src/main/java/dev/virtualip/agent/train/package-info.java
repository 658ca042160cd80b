/** Rehearsals of the agent that let the JVM load, link and cache the code it will need. */
package dev.virtualip.agent.train;
