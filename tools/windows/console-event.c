/* console-event.exe 0|1: Ctrl-C or Ctrl-Break for every program of this console, as if somebody had pressed it. For the tests. */
#include <stdlib.h>
#include <windows.h>

static BOOL WINAPI survive(DWORD event) {
    (void)event;
    return TRUE;
}

int main(int count, char **words) {
    if (count != 2 || !SetConsoleCtrlHandler(survive, TRUE)) return 2;
    if (!GenerateConsoleCtrlEvent(strtoul(words[1], NULL, 10), 0)) return (int)GetLastError();
    Sleep(100);
    return 0;
}
