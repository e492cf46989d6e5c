# Runs gdb's commands and writes what each has printed, as a JSON array: the reference for the stub is another one that hears the same.
import json
import os

import gdb

outputs = []
for command in json.loads(os.environ['XV6_DEBUG_COMMANDS']):
    try:
        outputs.append(gdb.execute(command, False, True) or '')
    except gdb.error as error:
        outputs.append('error: %s' % error)
    except gdb.MemoryError as error:
        outputs.append('error: %s' % error)
with open(os.environ['XV6_DEBUG_OUT'], 'w') as file:
    json.dump(outputs, file)
