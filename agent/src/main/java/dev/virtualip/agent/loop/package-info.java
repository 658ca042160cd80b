/**
 * Threads, queues and clocks around the classes that decide, and the recording of their decisions.
 */
package dev.virtualip.agent.loop;
