"""What the city ledger, its witnesses and whoever checks it have in common: the tree, signed notes, cosignatures, and whose are wanted."""
