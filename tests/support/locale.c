#include "support/locale.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/temp.h"

bool enter_comma_locale(void) {
    char folder[TEMP_PATH_BYTES], command[TEMP_PATH_BYTES + 80];
    temp_folder(folder);
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    bool made = system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 && setlocale(LC_ALL, "de_DE.UTF-8");
    temp_remove(folder); /* what setlocale read stays mapped */
    return made && strcmp(localeconv()->decimal_point, ",") == 0;
}
