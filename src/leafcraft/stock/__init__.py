"""Stock: a ledger of what lies where and to whom it is promised; knows product ids, no names and no prices."""
