/* console-event.exe 0|1: Ctrl-C or Ctrl-Break for every program of this console, as if somebody had pressed it. For the tests. wine 8 refuses
 * to send Ctrl-Break, with ERROR_INVALID_HANDLE: there it is Ctrl-C in either case. */
#include <stdlib.h>
#include <windows.h>

static BOOL WINAPI survive(DWORD event) {
    (void)event;
    return TRUE;
}

static BOOL sent(DWORD event) {
    return GenerateConsoleCtrlEvent(event, 0) ||
           (event == CTRL_BREAK_EVENT && GetLastError() == ERROR_INVALID_HANDLE && GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
}

int main(int count, char **words) {
    if (count != 2 || !SetConsoleCtrlHandler(survive, TRUE)) return 2;
    if (!sent(strtoul(words[1], NULL, 10))) return (int)GetLastError();
    Sleep(100);
    return 0;
}
