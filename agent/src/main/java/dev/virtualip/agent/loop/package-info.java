/** Threads, queues and clocks around what decides, and the recording of what it decides. */
package dev.virtualip.agent.loop;
