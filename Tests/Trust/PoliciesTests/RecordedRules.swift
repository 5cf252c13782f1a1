// Rules and what the Go implementation of Fabric 2.5 makes of them, recorded from its policydsl.

/// A rule and the serialized `common.SignaturePolicyEnvelope` in hexadecimal digits.
let recordedRules: [(rule: String, hex: String)] = [
  (
    "OR('A.member', 'B.member')",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "AND('A.member', 'B.member')",
    "120c120a080212020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf(1, 'A.member', 'B.member')",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OR('A.member', AND('B.member', 'C.member'))",
    "12161214080112020802120c120a080212020800120208011a0512030a01421a0512030a01431a05"
      + "12030a0141"
  ),
  (
    "OR(AND('A.member', 'B.member'), OR('C.admin', 'D.member'))",
    "1220121e0801120c120a08021202080012020801120c120a080112020802120208031a0512030a01"
      + "411a0512030a01421a0712050a014310011a0512030a0144"
  ),
  (
    "OR('MSP.member', 'MSP.WITH.DOTS.member', 'MSP-WITH-DASHES.member')",
    "1210120e08011202080012020801120208021a0712050a034d53501a11120f0a0d4d53502e574954"
      + "482e444f54531a1312110a0f4d53502d574954482d444153484553"
  ),
  (
    "OR('A.peer', 'B.admin', 'C.orderer', 'D.client')",
    "121412120801120208001202080112020802120208031a0712050a014110031a0712050a01421001"
      + "1a0712050a014310041a0712050a01441002"
  ),
  (
    "OutOf('1', 'A.member', 'B.member')",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf(0, 'A.member', 'B.member')",
    "120a120812020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf(3, 'A.member', 'B.member')",
    "120c120a080312020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "And('A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "and('A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "Or('A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "or('A.member','A.member')",
    "120c120a080112020800120208011a0512030a01411a0512030a0141"
  ),
  (
    "outof(1,'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OUTOF(1,'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OR ( 'A.member' , 'B.member' ) ",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OR(\"A.member\", \"B.member\")",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OR(\"A.member', 'B.member\")",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf(1.9, 'A.member', 'B.member')",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf(2.0, 'A.member', 'B.member')",
    "120c120a080212020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf('1.9', 'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OutOf(2, 'A.member', OR('B.member','C.member'), AND('D.peer', OutOf(2,'E.client','F.client','G.client')))",
    "12321230080212020806120c120a08011202080012020801121a12180802120208051210120e0802"
      + "1202080212020803120208041a0512030a01421a0512030a01431a0712050a014510021a0712050a"
      + "014610021a0712050a014710021a0712050a014410031a0512030a0141"
  ),
  (
    "OR('A.B.C.admin')",
    "120812060801120208001a0b12090a05412e422e431001"
  ),
  (
    "OR('A.member.admin')",
    "120812060801120208001a0e120c0a08412e6d656d6265721001"
  ),
  (
    "(OR('A.member'))",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OR(('A.member'))",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OR('..member')",
    "120812060801120208001a0512030a012e"
  ),
  (
    "OR('-.member')",
    "120812060801120208001a0512030a012d"
  ),
  (
    "\tOR(\n'A.member',\n 'B.member')\n",
    "120c120a080112020800120208011a0512030a01411a0512030a0142"
  ),
  (
    "OutOf(01, 'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OR('A\\.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OutOf(1 , 'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OutOf(.5, 'A.member')",
    "12061204120208001a0512030a0141"
  ),
  (
    "OutOf(1., 'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OutOf(' 1 ', 'A.member')",
    "120812060801120208001a0512030a0141"
  ),
  (
    "OR(\u{A0}'A.member')",
    "120812060801120208001a0512030a0141"
  ),
]

/// Rules that it refuses.
let refusedRules: [String] = [
  "OR('A.member', Bmember)",
  "OR('A.member', 'Bmember')",
  "OR('A.member', '\\'Bmember\\'')",
  "",
  "OutOf(1)",
  "OutOf(true, 'A.member')",
  "OutOf(1, 2)",
  "OutOf(1, 'true')",
  "OutOf(1, '\\'1\\'')",
  "''",
  "1",
  "'1'",
  "OutOf(-1, 'A.member', 'B.member')",
  "OutOf(4, 'A.member', 'B.member')",
  "oR('A.member')",
  "OR()",
  "AND()",
  "OR('A.member',)",
  "OR('A.member' 'B.member')",
  "OR('A.member'",
  "OR('A.member'))",
  "OR('A.member",
  "'A.member'",
  "A.member",
  "OR(A.member)",
  "OutOf('-1', 'A.member')",
  "OR('.member')",
  "OR('A.Admin')",
  "OR('A_B.admin')",
  "OR('A.admin ')",
  "OR(' A.admin')",
  "OR('A.member') OR('B.member')",
  "OR('A.member'), OR('B.member')",
  "OR('Ä.member')",
  "OutOf(99999999999999999999, 'A.member')",
  "OutOf(AND('A.member'), 'B.member')",
  "NOT('A.member')",
  "OR('A.member', 'B.member') && true",
  "OR('2006-01-02')",
  "OutOf(+1, 'A.member')",
  "Outof(1,'A.member')",
  "OR(, 'A.member')",
  "OR('A.member',, 'B.member')",
  "OutOf(- 1, 'A.member')",
  "OutOf(1.2.3, 'A.member')",
  "OutOf('', 'A.member')",
  "OutOf('A.member', 'A.member')",
  "OR([A.member])",
  "OR(1)",
  "AND(1,2)",
  "OR('1','A.member')",
  "OutOf(1,'2','A.member')",
  "OR('A.member') # c",
]
