/** Runs the users' programs for checks and notifications, without rights. */
package dev.virtualip.agent.exec;
