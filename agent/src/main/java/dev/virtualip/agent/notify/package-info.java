/**
 * Notifications about changes of state on this node, by commands, mail and webhooks. The event loop
 * never waits for them, and no channel waits for another.
 */
package dev.virtualip.agent.notify;
