/** The sources of an iteration's prompts. */
package org.autodidact.engine.prompts;
