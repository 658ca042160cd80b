/** The lab. */
package dev.virtualip.e2e;
