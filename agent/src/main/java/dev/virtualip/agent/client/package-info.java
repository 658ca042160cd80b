/** The agent's client of the API server: requests, lists and watches by the JDK's HTTP client. */
package dev.virtualip.agent.client;
