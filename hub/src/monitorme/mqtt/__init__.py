"""The parts of `monitorme.bus`: packets, the corked socket, what is on its way out."""
