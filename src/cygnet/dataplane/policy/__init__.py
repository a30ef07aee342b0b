"""Which packet gets which treatment: the policy database and the packets that traps hold."""
