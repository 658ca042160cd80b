/** Which real servers get connections: decided here, put into the kernel by whoever is master. */
package dev.virtualip.agent.lvs;
