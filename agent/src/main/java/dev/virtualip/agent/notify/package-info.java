/**
 * Tells people and programs what has happened on this node: commands, mails, POSTs. Nothing here is
 * waited for by the event loop, and no channel waits for another.
 */
package dev.virtualip.agent.notify;
