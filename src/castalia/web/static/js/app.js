// What every page needs: frame, menus, dialogs, palette, live updates. Page parts start their own modules.
import { startClock } from "./clock.js";
import { startDialogs } from "./dialogs.js";
import { startLive } from "./live.js";
import { startNavigation } from "./navigation.js";
import { startPalette } from "./palette.js";
import { startParts } from "./parts.js";
import { startSelection } from "./selection.js";
import { startTools } from "./tools.js";

startNavigation();
startTools();
startDialogs();
startPalette();
startSelection();
startParts();
startLive();
startClock();
