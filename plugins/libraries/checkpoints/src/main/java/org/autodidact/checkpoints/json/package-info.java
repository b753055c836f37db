/** JSON files of bounded size, and records as JSON. */
package org.autodidact.checkpoints.json;
