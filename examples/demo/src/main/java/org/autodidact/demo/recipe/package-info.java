/** How the demo's model and its data are made. */
package org.autodidact.demo.recipe;
