/** The command line for people: apart from the agent, so that the agent stays small. */
package dev.virtualip.vip;
