/** What the node should run: from files, and the last good copy on disk. */
package dev.virtualip.agent.source;
